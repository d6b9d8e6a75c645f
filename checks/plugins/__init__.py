"""What a Nagios-style plug-in says, understood. Pure: text in, plain values out.

The rules are those of the Monitoring Plugins Development Guidelines (https://www.monitoring-plugins.org/doc/guidelines.html)
and of the Nagios Plugin API (several lines of output, several of performance data).
"""
