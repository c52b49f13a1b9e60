"""RFC 3261, section 17, over UDP, with RFC 6026's amendments: who sends what again, and for how long."""
