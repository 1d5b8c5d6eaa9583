"""The commands, one module each: EPILOG with examples, `arguments`, and `run`."""
