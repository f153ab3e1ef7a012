"""REST, pages and admin as granian serves them: `wsgi.py` behind the front that reads bodies."""

from django.conf import settings

from config.wsgi import application as django_application
from edge.answers import HeldAnswers
from edge.bodies import BodyLimits
from edge.front import Front
from edge.request_threads import RequestThreads

application = Front(
    django_application,
    threads=RequestThreads(
        count=settings.WEB_THREADS,
        waiting_max=settings.WEB_WAITING_MAX,
        wait_s_max=settings.WEB_WAIT_S,
    ),
    bodies=BodyLimits(
        grace_s=settings.BODY_GRACE_S,
        bytes_per_s_min=settings.BODY_BYTES_PER_S_MIN,
        held_bytes_max=settings.BODIES_BYTES_MAX,
        held_bytes_per_caller_max=settings.BODIES_BYTES_PER_CALLER_MAX,
    ),
    answers=HeldAnswers(
        bytes_max=settings.ANSWERS_BYTES_MAX,
        bytes_per_caller_max=settings.ANSWERS_BYTES_PER_CALLER_MAX,
        piece_s_max=settings.ANSWER_PIECE_S,
    ),
    trusted_proxy_count=settings.TRUSTED_PROXY_COUNT,
    standstill_s_max=settings.WEB_STANDSTILL_S,
    stuck_s_max=settings.WEB_STUCK_S,
)
