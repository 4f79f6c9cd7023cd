// The quick form of events, holds, records and commands is the stored form: with every member set, and with each in turn left out or
// zero. A member that is added to one of these types and forgotten in `QuickJson` fails here.
using System.Buffers;
using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using NodaTime;

namespace Purser.Core.Tests;

public class QuickJsonTests
{
    static readonly Instant at = Instant.FromUtc(2026, 3, 14, 15, 9, 26);

    public static TheoryData<Type> Types =>
        [typeof(Held), typeof(Settled), typeof(Recorded), typeof(Expired), typeof(Hold), typeof(UsageRecord), typeof(Reserve),
            typeof(Settle), typeof(Record), typeof(Extend)];

    [Theory]
    [MemberData(nameof(Types))]
    public void It_is_the_stored_form_whatever_is_set(Type type)
    {
        var whole = Filled(type);
        var compared = 0;
        Compare(whole, type.Name);
        Vary(whole, type.Name);
        Assert.True(compared > 10, $"only {compared} forms were compared");

        void Compare(object value, string what)
        {
            compared++;
            Assert.True(Stored(value) == Quick(value), $"{what}:\n{Stored(value)}\n{Quick(value)}");
        }

        // Each member of everything that hangs on it, one at a time.
        void Vary(object owner, string path)
        {
            foreach (var member in Members(owner.GetType()))
            {
                var set = member.GetValue(owner);
                foreach (var other in OthersOf(member.PropertyType))
                {
                    member.SetValue(owner, other);
                    Compare(whole, $"{path}.{member.Name} = {other ?? "null"}");
                }
                member.SetValue(owner, set);
                if (set is null or string or ValueType) continue;
                foreach (var inner in set is IEnumerable many ? many.Cast<object>() : [set])
                    if (inner is not ValueType && inner.GetType().Namespace == typeof(Budget).Namespace)
                        Vary(inner, $"{path}.{member.Name}");
            }
        }
    }

    [Fact]
    public void A_record_is_told_where_it_stands_in_its_event()
    {
        var settled = (Settled)Filled(typeof(Settled));
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer);
        writer.WriteStartArray();
        QuickJson.Write(writer, (Held)Filled(typeof(Held)), out var none);
        QuickJson.Write(writer, settled, out var place);
        writer.WriteEndArray();
        writer.Flush();
        Assert.Equal(default, none);
        Assert.Equal(Stored(settled.Record), Encoding.UTF8.GetString(buffer.WrittenSpan[(int)place.From..(int)place.To]));
    }

    static string Stored(object value) => value switch
    {
        BudgetEvent happened => JsonSerializer.Serialize(happened, CoreJson.Default.BudgetEvent),
        BudgetCommand command => JsonSerializer.Serialize(command, CoreJson.Default.BudgetCommand),
        Hold hold => JsonSerializer.Serialize(hold, CoreJson.Default.Hold),
        _ => JsonSerializer.Serialize((UsageRecord)value, CoreJson.Default.UsageRecord),
    };

    static string Quick(object value)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var writer = new Utf8JsonWriter(buffer);
        switch (value)
        {
            case BudgetEvent happened: QuickJson.Write(writer, happened, out _); break;
            case BudgetCommand command: QuickJson.Write(writer, command); break;
            case Hold hold: QuickJson.Write(writer, hold); break;
            default: QuickJson.Write(writer, (UsageRecord)value); break;
        }
        writer.Flush();
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    static IEnumerable<PropertyInfo> Members(Type type) =>
        type.GetProperties(BindingFlags.Instance | BindingFlags.Public).Where(member => member.CanWrite);

    static object Filled(Type type)
    {
        var made = RuntimeHelpers.GetUninitializedObject(type);
        foreach (var member in Members(type)) member.SetValue(made, ValueOf(member.PropertyType, member.Name));
        return made;
    }

    static object? ValueOf(Type type, string name)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (type == typeof(string)) return $"{name} \"<é🔑";
        if (type == typeof(long)) return 12_345L + name.Length;
        if (type == typeof(int)) return 7;
        if (type == typeof(bool)) return true;
        if (type == typeof(decimal)) return 1.50m;
        if (type == typeof(Instant)) return at;
        if (type == typeof(Touch)) return new Touch(3, "k \"é", new(at, at + Duration.FromHours(1)));
        if (type == typeof(Amounts)) return new Amounts(5, 4, 3, 2, 1);
        if (type.IsEnum) return Enum.GetValues(type).Cast<object>().Last();
        if (type == typeof(SortedDictionary<string, string>)) return new SortedDictionary<string, string> { ["a"] = "é" };
        if (!type.IsGenericType) return Filled(type);
        var element = type.GetGenericArguments()[0];
        var list = (IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(element))!;
        list.Add(ValueOf(element, name));
        list.Add(ValueOf(element, name));
        return list;
    }

    static IEnumerable<object?> OthersOf(Type type)
    {
        if (Nullable.GetUnderlyingType(type) is { } inner)
        {
            yield return null;
            yield return Activator.CreateInstance(inner);
        }
        else if (type.IsEnum)
        {
            foreach (var value in Enum.GetValues(type)) yield return value;
        }
        else if (type == typeof(Amounts))
        {
            yield return default(Amounts);
            for (var i = 0; i < 5; i++)
                yield return new Amounts(i == 0 ? 0 : 1, i == 1 ? 0 : -1, i == 2 ? 0 : 1, i == 3 ? 0 : 1, i == 4 ? 0 : 1);
        }
        else if (type.IsValueType)
        {
            yield return Activator.CreateInstance(type);
        }
        else
        {
            yield return null;
            if (type == typeof(string)) yield return "";
            else if (type.IsGenericType && type.GetGenericArguments() is [var element])
                yield return Activator.CreateInstance(typeof(List<>).MakeGenericType(element));
        }
    }
}
