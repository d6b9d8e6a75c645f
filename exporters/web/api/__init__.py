"""The JSON API: what is asked, what is answered, how both are described, and the endpoints."""

from exporters.web.api.render import Json, event_json, incident_json, path_json, problem_json

__all__ = ["Json", "event_json", "incident_json", "path_json", "problem_json"]
