// The command line of the bench: which rows, how long, where the figures go, and what makes the run fail.
using System.Globalization;

namespace Purser.Bench;

public static class BenchCommand
{
    const string Usage = """
        usage: ./run bench [ROWS...] [--quick] [--rounds N] [--only NAME] [--records N] [--json FILE] [--compare FILE]
               ./run bench reports|appends [--records N]... [--represented N] [--postgres] [--keep FOLDER]
               ./run bench idle [--accounts N]...
               ./run bench parts [--quick] [NAME...]   the small parts of a call, by BenchmarkDotNet
               ./run bench compare OLD NEW          two files of --json side by side
               ./run bench soak [--minutes N]
               ./run bench detection FOLDER         detectors on labelled series, with constants chosen on others
               ./run bench cost [hot | spread] [--memory] [--types] [--rounds N] [--each N]   processor and garbage of one lifecycle
        """;

    public static async Task<int> RunAsync(string[] arguments)
    {
        switch (arguments)
        {
            case ["soak", ..]:
                return await Soak.RunAsync(Console.Out, arguments[1..]);
            case [SoakLoad.Command, ..]:
                return await SoakClient.RunAsync(arguments[1..]);
            case ["cost", ..]:
                return await LifecycleCost.RunAsync(Console.Out, arguments[1..]);
            case [FlushedCounter.Command, var port]:
                return await FlushedCounter.RunAsync(int.Parse(port, CultureInfo.InvariantCulture));
            case [Probe.Command, var port, var account, var millis]:
                return Probe.Run(port, account, millis);
            case [ConstantAnswers.Command]:
                return await OwnProcess.ServeAsync(ConstantAnswers.AnswerAsync);
            case [StandInProvider.Command]:
                return await OwnProcess.ServeAsync(StandInProvider.AnswerAsync);
            case ["compare", var old, var now]:
                Comparing.Print(Console.Out, Results.Read(old), Results.Read(now));
                return 0;
            case ["detection", var folder]:
                return LeftOut.Run(Console.Out, folder);
            case ["--help" or "-h", ..]:
                Console.Out.WriteLine(Help());
                return 0;
        }
        var (options, wrong) = BenchOptions.Read(arguments);
        if (options is null)
        {
            await Console.Error.WriteLineAsync(wrong);
            await Console.Error.WriteLineAsync(Help());
            return 2;
        }
        return await RunAsync(options);
    }

    static string Help() => $"{Usage}\nrows (all but those in brackets where none is named):\n"
        + string.Join('\n', RowGroups.All.Select(group =>
        $"  {(group.IsUsual ? group.Name : $"[{group.Name}]"),-14} {group.About}"));

    static async Task<int> RunAsync(BenchOptions options)
    {
        // Before anything is measured: a file that can not be read would be noticed at the end.
        var before = options.CompareFile is { } file ? Results.Read(file) : null;
        var results = new Results(
            $"{Processor.MachineName()}, {DateTimeOffset.UtcNow:yyyy-MM-dd HH:mm} UTC",
            string.Create(CultureInfo.InvariantCulture,
                $"medians of {options.Rounds} rounds of {options.Round.TotalSeconds} s; load of the machine before: {Processor.Load()}"));
        foreach (var group in RowGroups.All.Where(group => options.Rows.Contains(group.Name)))
        {
            Say($"— {group.Name} —");
            await group.MeasureAsync(options, results);
        }
        results.Print(Console.Out);
        if (before is not null) Comparing.Print(Console.Out, before, results);
        if (options.JsonFile is not null) results.Save(options.JsonFile);
        return results.Judge(Console.Error) ? 0 : 1;
    }

    internal static void Say(FormattableString line) => Say(line.ToString(CultureInfo.InvariantCulture));

    internal static void Say(string line) => Console.Error.WriteLine(line);
}
