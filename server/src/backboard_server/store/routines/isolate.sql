-- Only migrations call isolate(), as the owner; every other routine says beside itself who may run it.
REVOKE ALL ON FUNCTION isolate(regclass) FROM PUBLIC;
