// A private server process in a folder of its own: started on a free port, signalled by its id, gone with the tests.
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Purser.Conformance.Servers;

/// <summary>The signals that tests send; the numbers are Linux's.</summary>
public enum Signal { Interrupt = 2, Quit = 3, Kill = 9, Terminate = 15, Continue = 18, Stop = 19 }

public static class ServerProcess
{
    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    static extern int Kill(int pid, int signal);

    /// <summary>False where the process is gone already.</summary>
    public static bool Send(int pid, Signal signal) => Kill(pid, (int)signal) == 0;

    public static bool IsAlive(int pid) => Kill(pid, 0) == 0 && !IsZombie(pid);

    static bool IsZombie(int pid)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)] == 'Z';
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Processes whose parent this is.</summary>
    public static IReadOnlyList<int> ChildrenOf(int pid)
    {
        var children = new List<int>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
            try
            {
                if (!int.TryParse(Path.GetFileName(folder), out var child)) continue;
                var stat = File.ReadAllText(Path.Combine(folder, "stat"));
                if (int.Parse(stat[(stat.LastIndexOf(')') + 4)..].Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture)
                    == pid) children.Add(child);
            }
            catch (IOException)
            {
                // Gone meanwhile.
            }
        return children;
    }

    /// <summary>A port that nobody listens on, and that nobody else is given while this process lasts.</summary>
    public static int FreePort() => Ports.Take();

    /// <summary>The longest that anything real is waited for: it ends a test that hangs, and judges nobody for being slow.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(4);

    /// <summary>Polls a condition of another process, which has no other way to tell.</summary>
    public static Task UntilAsync(Func<Task<bool>> condition, Func<string> otherwise) => UntilAsync(condition, Patience, otherwise);

    public static Task UntilAsync(Func<bool> condition, string otherwise) => UntilAsync(condition, Patience, otherwise);

    /// <summary>Where it is to be seen how long it takes.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition, TimeSpan within, Func<string> otherwise)
    {
        var elapsed = Stopwatch.StartNew();
        using var pause = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await condition())
        {
            if (elapsed.Elapsed > within) throw new TimeoutException($"not within {within.TotalSeconds:0.#} s: {otherwise()}");
            await pause.WaitForNextTickAsync();
        }
    }

    public static Task UntilAsync(Func<bool> condition, TimeSpan within, string otherwise) =>
        UntilAsync(() => Task.FromResult(condition()), within, () => otherwise);

    /// <summary>It is gone after the tests at the latest.</summary>
    public static string NewFolder(string name)
    {
        var folder = Directory.CreateTempSubdirectory("purser-" + name + "-").FullName;
        Children.KeepFolder(folder);
        return folder;
    }

    /// <summary>Runs a program to its end; what it printed where it failed is in the exception.</summary>
    public static async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Start(
            new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true,
                WorkingDirectory = "/" });
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} ended with {process.ExitCode}: {await output}{await errors}");
    }

    /// <summary>Starts a program that ends with the tests at the latest; <see cref="Process.Start(ProcessStartInfo)"/> gives none of them
    /// such an end.</summary>
    public static Process Start(ProcessStartInfo start) => Children.Start(start);

    /// <summary>Starts a server that stays; its output goes into a file, so that no pipe has to be read. Where the tests end without it,
    /// it is told to end by the signal, and the folder is deleted.</summary>
    public static Process Start(Signal end, string folder, string log, string program, params IEnumerable<string> arguments)
    {
        // The shell puts itself in the server's place: the process id is the server's.
        string[] shell = ["-c", "log=$1; shift; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", log, program, .. arguments];
        return Children.Start(new("/bin/sh", shell) { WorkingDirectory = "/" }, end, folder);
    }

    public static string LogOf(string log) => File.Exists(log) ? string.Join('\n', File.ReadLines(log).TakeLast(20)) : "no log";

    /// <summary>The first of these that is a program, else the one of that name on the path; null where there is none.</summary>
    public static string? Find(string name, params IEnumerable<string> folders) =>
        folders.Concat((Environment.GetEnvironmentVariable("PATH") ?? "").Split(':')).Select(folder => Path.Combine(folder, name))
            .FirstOrDefault(File.Exists);

    public static void DeleteFolder(string folder)
    {
        try
        {
            Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A process on its way out may still write; what is left lies in the temporary folder.
        }
    }
}
