"""A route of the API that reads its address itself.

FastAPI describes the parameters in OpenAPI. To read them for each request, field by field, takes it
a fifth of the time of the whole request; pydantic alone takes a hundredth. What is refused has the
form that FastAPI gives it.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final, get_origin, get_type_hints

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import QueryParams
from starlette.responses import Response

from hemline.shop.api_schema import Id

_ID: Final = TypeAdapter[str](Id)
_QUERY: Final = "query"


class ListRoute(APIRoute):
    """A route whose GET endpoint takes the request, an id of the path, and a model of the query."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request."""
        if self.methods != {"GET"}:
            return super().get_route_handler()
        endpoint, [place] = self.endpoint, self.param_convertors
        model: type[BaseModel] = get_type_hints(self.endpoint)[_QUERY]
        lists = {
            name for name, field in model.model_fields.items()
            if get_origin(field.annotation) is list
        }  # fmt: skip
        without_any = model()

        async def answer(request: Request) -> Response:
            errors: list[Any] = []
            sent, query = request.query_params, without_any
            try:
                found = _ID.validate_python(request.path_params[place])
            except ValidationError as error:
                errors += _at("path", error, place)
            if sent:
                try:
                    query = model.model_validate(_by_name(sent, lists))
                except ValidationError as error:
                    errors += _at(_QUERY, error)
            if errors:
                raise RequestValidationError(errors)
            response: Response = await endpoint(request, found, query)
            return response

        return answer


def _by_name(sent: QueryParams, lists: set[str]) -> dict[str, Any]:
    return {name: sent.getlist(name) if name in lists else sent[name] for name in sent}


def _at(where: str, error: ValidationError, *place: str) -> list[Any]:
    return [{**one, "loc": (where, *place, *one["loc"])} for one in error.errors(include_url=False)]
