"""HTTP parsed in further processes in front of the one writer. `process` is such a process; `running` starts them."""
