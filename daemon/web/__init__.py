"""The pages: where people prepare, share, record, agree, move and pause."""
