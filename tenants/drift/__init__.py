"""Compare the live database with what code declares, and put back what is safe to put back."""
