// How the programs are chosen with which properties are checked: those that broke one once, and random ones.
using FsCheck;
using FsCheck.Fluent;

namespace Purser.Core.Tests;

/// <summary>A program is a list of numbers, each of them one step of a <see cref="Workload"/>.</summary>
sealed class Programs
{
    /// <summary>The same random programs every time, so that a run fails only for what has changed.</summary>
    public static readonly Programs Same = new() { Replay = new(new Rnd(20260302), null) };

    /// <summary>Other programs every time, so many times as many as PURSER_SWEEP says: 20 under `./test long`, none where the tests are run
    /// by hand.</summary>
    public static readonly Programs New = new()
    {
        Times = int.TryParse(Environment.GetEnvironmentVariable("PURSER_SWEEP"), out var times) ? times
            : Environment.GetEnvironmentVariable("PURSER_TEST_RUN") is null ? 0 : 20,
    };

    Replay? Replay { get; init; }
    int Times { get; init; } = 1;

    /// <summary>Programs that broke a property once. Every property is checked with all of them.</summary>
    static readonly int[][] known =
    [
        // A hold is charged when it runs out and settled days later for less; then a policy brings a limit of the session.
        [611384193, 859706081, 153876894, 918763097, 1656407858, 2007231347],
        [1950917020, 1308664266, 2114588249, 1853246348, 155120730],
    ];

    /// <summary>Checks a property. A failing program is shrunk by taking steps away; the failure names it: add it to the known
    /// ones.</summary>
    public void Check(int tests, int longest, Action<int[]> property)
    {
        foreach (var program in known) property(program);
        if (Times == 0) return;
        var programs =
            from length in Gen.Choose(1, longest)
            from steps in Gen.Choose(0, int.MaxValue).ArrayOf(length)
            select steps;
        var config = Config.QuickThrowOnFailure.WithMaxTest(tests * Times);
        if (Replay is { } replay) config = config.WithReplay(replay);
        FsCheck.Check.One(config, Prop.ForAll(Arb.From(programs, Shorter), property));
    }

    static IEnumerable<int[]> Shorter(int[] program)
    {
        for (var size = program.Length / 2; size > 0; size /= 2)
            for (var at = 0; at + size <= program.Length; at += size)
                yield return [.. program[..at], .. program[(at + size)..]];
    }
}
