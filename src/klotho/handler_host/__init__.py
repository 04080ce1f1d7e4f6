"""A function that runs all the time: its handler behind a server, with what triggers it received from queues.

Goes into the image of a function on Fargate, beside the runtime SDK and nothing else of Klotho.
"""
