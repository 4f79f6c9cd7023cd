// Plays hostile schedules against simulated hosts, seed after seed, on all cores; a seed that breaks a promise is printed with the
// shortest trace that breaks it.
using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Purser.Conformance.Simulation;
using Purser.Ledgers.Memory;

var seeds = new Option<int>("--seeds") { Description = "How many seeds to play.", DefaultValueFactory = _ => 1000, HelpName = "N" };
var first = new Option<int>("--first") { Description = "The first of them.", DefaultValueFactory = _ => 1, HelpName = "SEED" };
var steps = new Option<int>("--steps") { Description = "How long each one is.", DefaultValueFactory = _ => 120, HelpName = "N" };
var most = new Option<int>("--findings") { Description = "Stop after so many seeds with findings.", DefaultValueFactory = _ =>
    1, HelpName = "N" };
var world = new Option<string>("--world")
{
    Description = "wide: limits of every unit and window, sessions, usage that is taken back; narrow: tokens and requests; both in turns.",
    DefaultValueFactory = _ => "both", HelpName = "wide|narrow|both",
};
world.AcceptOnlyFromAmong("wide", "narrow", "both");
var root = new RootCommand(
    "Several hosts on one ledger under a hostile, seeded schedule, judged by an independent auditor. Exit code 1: a promise was "
        + "broken.") { seeds, first, steps, most, world };
foreach (var count in new[] { seeds, steps, most })
    count.Validators.Add(result =>
    {
        if (!result.Errors.Any() && result.GetValueOrDefault<int>() < 1) result.AddError($"{count.Name} must be at least 1");
    });
root.SetAction((parsed, cancellation) =>
    Task.Run(() => Sweep(parsed.GetValue(first), parsed.GetValue(seeds), parsed.GetValue(steps), parsed.GetValue(most),
        parsed.GetValue(world)!,
        cancellation)));
var asked = root.Parse(args);
var code = await asked.InvokeAsync();
return asked.Errors.Count > 0 ? 2 : code;

static int Sweep(int first, int seeds, int steps, int most, string world, CancellationToken cancellation)
{
    var started = Stopwatch.GetTimestamp();
    var gate = new Lock();
    var (played, findings, said) = (0L, 0, started);
    try
    {
        Parallel.For(
            0, seeds, new ParallelOptions { CancellationToken = cancellation, MaxDegreeOfParallelism = Environment.ProcessorCount },
                (i, loop) =>
        {
            var finding = SimulatedCluster.Check(first + i, Open, steps, world == "wide" || (world == "both" && i % 2 == 1));
            lock (gate)
            {
                played++;
                if (finding is not null)
                {
                    Console.WriteLine(finding);
                    if (++findings >= most) loop.Stop();
                }
                if (Stopwatch.GetElapsedTime(said) < TimeSpan.FromSeconds(10)) return;
                said = Stopwatch.GetTimestamp();
                Console.WriteLine(Line());
            }
        });
    }
    catch (OperationCanceledException)
    {
        Console.WriteLine("interrupted");
        Console.WriteLine(Line());
        return 130;
    }
    Console.WriteLine(Line());
    return findings == 0 ? 0 : 1;

    string Line() => string.Create(CultureInfo.InvariantCulture,
        $"{played} of {seeds} seeds from {first} on, {played / Stopwatch.GetElapsedTime(started).TotalSeconds:0.0}/s, "
            + $"{(findings == 0 ? "every promise held" : $"{findings} with findings")}");
}

static SharedLedger Open()
{
    var ledger = new MemoryLedger();
    return new(ledger, ledger);
}
