// Readers of what others wrote, for a fuzzer that watches which code an input reaches: `Purser.Fuzz TARGET` is started by afl-fuzz,
// `Purser.Fuzz TARGET libfuzzer` by libfuzzer-dotnet, and `Purser.Fuzz TARGET FILE...` tries what either of them found.
using Purser.Embedded.Tests.Fuzzing;
using SharpFuzz;

if (args is not [var name, .. var files] || !FuzzTargets.All.TryGetValue(name, out var target))
{
    Console.Error.WriteLine($"usage: Purser.Fuzz {string.Join('|', FuzzTargets.All.Keys)} [libfuzzer | FILE...]");
    return 2;
}
if (files is ["libfuzzer"]) Fuzzer.LibFuzzer.Run(input => target(input.ToArray()));
else if (files.Length == 0)
    Fuzzer.OutOfProcess.Run(stream =>
    {
        using var all = new MemoryStream();
        stream.CopyTo(all);
        target(all.ToArray());
    });
foreach (var file in files.Where(file => file != "libfuzzer")) target(File.ReadAllBytes(file));
return 0;
