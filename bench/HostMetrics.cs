// What a host counts about itself, asked at /metrics: what it compiled and how long it stood still for collections.
using System.Globalization;
using Purser.Embedded.Tests.Processes;

namespace Purser.Bench;

static class HostMetrics
{
    /// <summary>
    /// While a host compiles it has one of two processors less. So few methods in a turn of warming up are what timers come to meanwhile.
    /// </summary>
    public const int FewCompiled = 100;

    /// <summary>Methods that were compiled since the start, and how long all threads stood still for collections.</summary>
    public static async Task<(long Compiled, TimeSpan Pauses)> ReadAsync(HostProcess host)
    {
        var lines = (await host.Client.GetStringAsync("/metrics")).Split('\n');
        return ((long)Of("dotnet_jit_compiled_methods_total"), TimeSpan.FromSeconds(Of("dotnet_gc_pause_time_seconds_total")));

        double Of(string metric) => double.Parse(
            lines.First(line => line.StartsWith(metric + " ", StringComparison.Ordinal))[metric.Length..], CultureInfo.InvariantCulture);
    }
}
