"""The one turn and the service around it: observe, decide, record, act."""
