"""Who may see and do what: accounts, sessions, tokens, and the gate that every request passes.

Flows in: cookies, tokens, where a request came from. Flows out: the site in the view of whoever asks, or a refusal.
"""
