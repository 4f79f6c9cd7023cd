// `./run bench`: see README.md in this folder.
using Purser.Bench;
using Purser.Engine;

await using var memory = new PurserContender("memory", new MemoryLedger());
foreach (var accounts in new[] { 1, 10_000 })
{
    await memory.PrepareAsync(accounts, long.MaxValue / 4);
    await Measuring.RunAsync(memory, accounts, 64, TimeSpan.FromSeconds(1));
    foreach (var callers in new[] { 64, 512 })
        Console.WriteLine(await Measuring.RunAsync(memory, accounts, callers, TimeSpan.FromSeconds(3)));
}
