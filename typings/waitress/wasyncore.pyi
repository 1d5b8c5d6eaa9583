def loop(
    timeout: float = ...,
    use_poll: bool = ...,
    map: dict[int, object] | None = ...,  # noqa: A002
    count: int | None = ...,
) -> None: ...
def close_all(
    map: dict[int, object] | None = ...,  # noqa: A002
    ignore_all: bool = ...,
) -> None: ...
