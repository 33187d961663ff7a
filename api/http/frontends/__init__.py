"""HTTP parsed in further processes in front of the one writer. `process` is such a process; `running` starts them.

adopted     a connection that a frontend began
connection  a connection in a frontend: a hot request that is whole goes to the writer as a message
link        the writer's end of a frontend: requests come in as messages and go to their operations
messages    what a frontend and its writer say to each other: requests and answers over a stream
process     a frontend: a process that accepts connections, parses HTTP and asks the writer
running     the frontends of a node: started, started again when one ends by itself, and stopped with it
"""
