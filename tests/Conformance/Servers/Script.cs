// A program that a test runs to its end: bash, python3, npm, the bench.
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Purser.Conformance.Servers;

public sealed record Script(int Code, string Output, string Errors)
{
    static readonly TimeSpan longest = TimeSpan.FromMinutes(15);

    /// <summary>The repository that these tests were built from.</summary>
    public static string Root { get; } = Path.GetFullPath(Path.Combine(SourceFolder(), "../../.."));

    static string SourceFolder([CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;

    public static async Task<Script> RunAsync(string folder, IReadOnlyDictionary<string, string> settings, string program,
        params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder, RedirectStandardOutput = true, RedirectStandardError = true, RedirectStandardInput = true,
        };
        foreach (var (name, value) in settings) start.Environment[name] = value;
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using var process = ServerProcess.Start(start);
        process.StandardInput.Close();
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var patience = new CancellationTokenSource(longest);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', start.ArgumentList)} did not end: {await errors}");
        }
        return new(process.ExitCode, await output, await errors);
    }

    /// <summary>The output of a script that has to succeed.</summary>
    public string Succeeded()
    {
        return Code == 0 ? Output : throw new InvalidOperationException($"ended with {Code}:\n{Output}\n{Errors}");
    }

    /// <summary>A copy of a folder of the repository, without what it leaves behind when it is used.</summary>
    public static void Copy(string folder, string to)
    {
        foreach (var file in Directory.GetFiles(Path.Combine(Root, folder)))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
