// The bench as it is started by hand: a process with its arguments, to its end.
using Purser.Conformance.Servers;

namespace Purser.Bench.Tests;

static class BenchProgram
{
    public static Task<Script> RunAsync(params IEnumerable<string> arguments) => Script.RunAsync(
        AppContext.BaseDirectory, new Dictionary<string, string>(), Path.Combine(AppContext.BaseDirectory, "Purser.Bench"), arguments);
}
