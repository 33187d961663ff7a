"""From a wish to a plan: the request, what is there, what it costs under the rules, and which nodes it comes from."""
