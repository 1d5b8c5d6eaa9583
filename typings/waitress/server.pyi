from collections.abc import Callable

class BaseWSGIServer:
    def run(self) -> None: ...
    def close(self) -> None: ...

def create_server(
    application: Callable[..., object],
    *,
    unix_socket: str = ...,
    unix_socket_perms: str = ...,
    threads: int = ...,
    ident: str | None = ...,
) -> BaseWSGIServer: ...
