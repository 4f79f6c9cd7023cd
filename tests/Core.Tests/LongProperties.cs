// The properties with new programs by the thousand: `./test long`.
using System.Reflection;

namespace Purser.Core.Tests;

[Trait("run", "long")]
public sealed class LongProperties
{
    public static TheoryData<string> All => new(typeof(Properties).GetMethods()
        .Where(method => method.GetCustomAttribute<FactAttribute>() is not null).Select(method => method.Name));

    [LongTheory]
    [MemberData(nameof(All))]
    public void New_programs_keep(string property) => typeof(Properties).GetMethod(property)!
        .Invoke(new Properties { Programs = Programs.New }, BindingFlags.DoNotWrapExceptions, null, null, null);
}

/// <summary>Runs under `./test`, which picks the long tests by their trait, or where PURSER_SWEEP says how long they are to be.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class LongTheoryAttribute : TheoryAttribute
{
    public LongTheoryAttribute()
    {
        if (Environment.GetEnvironmentVariable("PURSER_TEST_RUN") is null && Environment.GetEnvironmentVariable("PURSER_SWEEP") is null)
            Skip = "long; run ./test long, or set PURSER_SWEEP to a number";
    }
}
