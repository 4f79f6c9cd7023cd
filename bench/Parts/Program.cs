// `./run bench parts [--quick] [NAME...]`: time and garbage of each part of a call. The benchmarks run in this process: nothing is built.
using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Exporters.Json;
using BenchmarkDotNet.Filters;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Purser.Parts;

var isQuick = args.Contains("--quick");
string[] names = [.. args.Where(argument => argument != "--quick")];
if (Array.Find(names, name => name.StartsWith('-')) is not null)
{
    Console.Error.WriteLine("usage: ./run bench parts [--quick] [NAME...]     parts with one of the names in theirs");
    return 2;
}
var job = (isQuick ? Job.Dry : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
var config = new ManualConfig { ArtifactsPath = Path.Combine(Path.GetTempPath(), "purser-parts") }
    .AddJob(job)
    .AddColumnProvider(DefaultColumnProviders.Instance)
    .AddDiagnoser(MemoryDiagnoser.Default)
    .AddExporter(JsonExporter.Brief)
    .AddLogger(ConsoleLogger.Default);
if (names.Length > 0)
    config.AddFilter(new NameFilter(benchmark => names.Any(name => benchmark.Contains(name, StringComparison.OrdinalIgnoreCase))));
var summary = BenchmarkRunner.Run<CallParts>(config);
return summary.HasCriticalValidationErrors || summary.Reports.Length == 0 || summary.Reports.Any(report => !report.Success) ? 1 : 0;
