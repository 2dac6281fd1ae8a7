suture: redirect.suture: there is no such file
