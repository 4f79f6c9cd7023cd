// What the tests start as processes of their own ends with them, however they end: in good order, by a crash or by kill -9.
using System.Diagnostics;
using System.Globalization;

namespace Purser.Conformance.Servers;

/// <summary>
/// A test ends what it started by itself. Where it can not, as after a start that failed or when its process is killed, a watcher does: a
/// shell that reads of each child on a pipe, whose end tells it that the tests are gone.
/// </summary>
public sealed class Children : IDisposable
{
    /// <summary>A child is known by its number and by when it began, so that nobody is ended who was given the same number later.
    /// What it started in turn ends with it, but for children of those that are told to end by themselves.</summary>
    const string watch = """
        exec >/dev/null 2>&1
        trap '' HUP INT TERM
        began() { read -r stat </proc/"$1"/stat || return 1; set -- ${stat##*)}; began=${20}; [ "$1" != Z ]; }
        end() {
          for child in $(cat /proc/"$1"/task/*/children); do set -- "$@" "$child"; done
          kill -9 "$1"; shift
          for child; do end "$child"; done
        }
        number=0
        while read -r pid signal folder; do
          began "$pid" || began=gone
          number=$((number + 1))
          eval "pid_$number=\$pid began_$number=\$began signal_$number=\$signal folder_$number=\$folder"
        done
        while [ "$number" -gt 0 ]; do
          eval "pid=\$pid_$number known=\$began_$number signal=\$signal_$number folder=\$folder_$number"
          if began "$pid" && [ "$began" = "$known" ]; then
            if [ "$signal" = 9 ]; then end "$pid"; else kill "-$signal" "$pid"; fi
            for i in 1 2 3 4 5 6 7 8 9 10; do began "$pid" && [ "$began" = "$known" ] || break; sleep 0.3; done
            # One that was frozen hears nothing else.
            if began "$pid" && [ "$began" = "$known" ]; then end "$pid"; fi
          fi
          if [ -n "$folder" ]; then rm -rf -- "$folder"; fi
          number=$((number - 1))
        done
        """;

    static readonly Lazy<Children> ofTheTests = new(() => new());

    readonly Process watcher;

    public Children()
    {
        watcher = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", watch]) { RedirectStandardInput = true, WorkingDirectory = "/" })!;
        watcher.StandardInput.AutoFlush = true;
    }

    /// <summary>Starts a program that ends with the tests at the latest. A server is told to by a signal of its own, and its folder goes
    /// after it.</summary>
    public static Process Start(ProcessStartInfo start, Signal end = Signal.Kill, string folder = "")
    {
        // The watcher is there first: no child is without it.
        var children = ofTheTests.Value;
        var process = Process.Start(start)!;
        children.Add(process.Id, end, folder);
        return process;
    }

    /// <summary>A folder that is gone after the tests at the latest.</summary>
    public static void KeepFolder(string folder) => ofTheTests.Value.Add(0, Signal.Kill, folder);

    public void Add(int pid, Signal signal, string folder = "")
    {
        lock (watcher)
            watcher.StandardInput.Write(string.Create(CultureInfo.InvariantCulture, $"{pid} {(int)signal} {folder}\n"));
    }

    /// <summary>As if the tests had ended.</summary>
    public void Dispose()
    {
        watcher.StandardInput.Dispose();
        watcher.WaitForExit();
        watcher.Dispose();
    }
}
