"""airsim: may this flight fly, by which route, at what cost, under whose instrument?"""

__version__ = "0.1.0"
