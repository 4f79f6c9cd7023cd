// The properties with new programs by the thousand: `./test long`.
using System.Reflection;

namespace Purser.Core.Tests;

[Trait("run", "long")]
public sealed class LongProperties
{
    public static TheoryData<string> All => new(typeof(Properties).GetMethods()
        .Where(method => method.GetCustomAttribute<FactAttribute>() is not null).Select(method => method.Name));

    [Theory]
    [MemberData(nameof(All))]
    public void New_programs_keep(string property) => typeof(Properties).GetMethod(property)!
        .Invoke(new Properties { Programs = Programs.New }, BindingFlags.DoNotWrapExceptions, null, null, null);
}
