"""Which address leads to which view?"""

from django.urls import path

from tuner.web import views

urlpatterns = [
    path("", views.runs),
    path("runs/<str:name>/<int:number>/", views.report),
    path("runs/<str:name>/<int:number>/try", views.attempt),
]

handler404 = "tuner.web.views.missing"
