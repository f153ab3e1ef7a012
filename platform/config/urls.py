"""URL configuration of the web process."""

from django.contrib import admin
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

import dashboard.urls
import edge.urls
import identity.api
import jobs.api
import marketdata.api
import monitoring.pages
import notifications.api
import portfolios.api
import recommendations.api
import transactions.api
from dashboard.pages.access import log_in_to_admin

api = [
    *identity.api.urlpatterns,
    *transactions.api.urlpatterns,
    *portfolios.api.urlpatterns,
    *marketdata.api.urlpatterns,
    *recommendations.api.urlpatterns,
    *jobs.api.urlpatterns,
    *notifications.api.urlpatterns,
    path("schema", SpectacularAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
]

urlpatterns = [
    path("api/v1/", include(api)),
    # One log-in for everybody, with its limits and its second factor.
    path("admin/login/", log_in_to_admin),
    *monitoring.pages.urlpatterns,
    path("admin/", admin.site.urls),
    *edge.urls.urlpatterns,
    *dashboard.urls.urlpatterns,
]

handler400 = "edge.problems.bad_request"
handler403 = "edge.problems.permission_denied"
handler404 = "dashboard.pages.errors.page_not_found"
handler500 = "dashboard.pages.errors.server_error"
