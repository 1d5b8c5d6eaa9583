from collections.abc import Callable

from waitress.task import ThreadedTaskDispatcher

class BaseWSGIServer:
    task_dispatcher: ThreadedTaskDispatcher
    def pull_trigger(self) -> None: ...

def create_server(
    application: Callable[..., object],
    map: dict[int, object] | None = ...,  # noqa: A002
    *,
    unix_socket: str = ...,
    unix_socket_perms: str = ...,
    threads: int = ...,
    ident: str | None = ...,
) -> BaseWSGIServer: ...
