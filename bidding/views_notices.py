"""What somebody is told: the page of notifications, what they want to be told of, their devices, and ending a mail.

The link in a mail that ends it needs no sign-in: its token names one person and one kind, and can do nothing else.
"""

from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from accounts import services as accounts
from accounts.models import MailKind, PushSubscription, User
from auctions.errors import Refused
from auctions.permissions import visible_organizers
from bidding import webpush
from bidding.models import Notification
from bidding.services import devices
from bidding.telling import say

A_PAGE: Final = 30


@login_required
@never_cache
@require_safe
def notifications(request: HttpRequest) -> HttpResponse:
    """Show what this person was told, the newest first."""
    own = _own(request).select_related("auction__organizer", "run__lot")
    page = Paginator(own, A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "told": [(notification, say(notification)) for notification in page],
        "has_unread": _own(request).filter(read_at=None).exists(),
    }
    return render(request, "bidding/notifications.html", context)


@login_required
@require_safe
def notification(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Go to what a notification tells of, which is then read."""
    told = get_object_or_404(_own(request).select_related("auction__organizer", "run__lot"), pk=notification_id)
    _own(request).filter(pk=told.pk, read_at=None).update(read_at=timezone.now())
    return redirect(say(told).path)


@login_required
@require_POST
def notifications_read(request: HttpRequest) -> HttpResponse:
    """Mark all as read."""
    _own(request).filter(read_at=None).update(read_at=timezone.now())
    return redirect("notifications")


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def notification_settings(request: HttpRequest) -> HttpResponse:
    """Show and change of what this person is told, by mail and on their devices."""
    user = _user(request)
    if request.method == "POST":
        pushes = request.POST.getlist("pushes") if webpush.is_configured() else _wanted_pushes(user)
        accounts.kinds_choose(user=user, mails=request.POST.getlist("mails"), pushes=pushes)
        messages.success(request, _("Saved."))
        return redirect("notification_settings")
    context: dict[str, Any] = {
        "kinds": [(kind, user.wants(kind), user.wants_push(kind)) for kind in MailKind],
        "email": user.email,
        "push_key": webpush.public_key() if webpush.is_configured() else "",
        "devices": user.push_subscriptions.all() if webpush.is_configured() else (),
        "houses": visible_organizers(user).filter(follows__user=user).order_by("name"),
    }
    return render(request, "bidding/notification_settings.html", context)


@login_required
@require_POST
def device_add(request: HttpRequest) -> HttpResponse:
    """Show messages in the browser that asks; for scripts."""
    try:
        device = devices.device_add(
            user=_user(request),
            session_key=request.session.session_key or "",
            endpoint=request.POST.get("endpoint", ""),
            public_key=request.POST.get("public_key", ""),
            secret=request.POST.get("secret", ""),
            device=request.headers.get("User-Agent", ""),
        )
    except Refused as refused:
        return JsonResponse({"code": refused.code, "message": refused.message}, status=422)
    return JsonResponse({"id": device.pk}, status=201)


@login_required
@require_POST
def device_remove(request: HttpRequest, device_id: int) -> HttpResponse:
    """Show no more messages in a browser."""
    devices.device_remove(device=get_object_or_404(PushSubscription, pk=device_id, user=_user(request)))
    messages.success(request, _("That device is told nothing more."))
    return redirect("notification_settings")


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask whether a kind of mail shall end, and end it; a mail program may do it by one request (RFC 8058)."""
    known = accounts.unsubscribe_kind(token)
    if known is None:
        raise Http404
    user, kind = known
    if request.method == "POST":
        accounts.unsubscribe(user=user, kind=kind)
    context = {"kind": kind, "is_over": not user.wants(kind)}
    return render(request, "bidding/unsubscribe.html", context)


@require_safe
def service_worker(request: HttpRequest) -> HttpResponse:
    """Serve the script that shows messages; from the root, because it opens pages of the whole site."""
    return render(request, "bidding/sw.js", content_type="text/javascript; charset=utf-8")


@require_safe
def manifest(request: HttpRequest) -> HttpResponse:
    """Say how the site stands on a home screen: an iPhone shows messages only from there."""
    icon = {"src": static("img/paddle.svg"), "sizes": "any", "type": "image/svg+xml"}
    about = {
        "name": settings.SITE_NAME,
        "start_url": reverse("home"),
        "scope": reverse("home"),
        "display": "standalone",
        "icons": [icon],
    }
    return JsonResponse(about, content_type="application/manifest+json")


def _own(request: HttpRequest) -> Any:
    return Notification.objects.filter(user=_user(request))


def _wanted_pushes(user: User) -> list[str]:
    return [kind.value for kind in MailKind if user.wants_push(kind)]


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
