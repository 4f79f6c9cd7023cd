// What silos and callers of different versions have in common: a method for each command, and names that no class's name is part of.
using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Orleans.Serialization;
using Orleans.Serialization.TypeSystem;
using Purser.Core;
using Purser.Interfaces;

namespace Purser.Cluster.Tests;

public sealed class WireTests
{
    static readonly Type[] commands = [.. typeof(BudgetCommand).Assembly.GetTypes()
        .Where(type => type.IsSubclassOf(typeof(BudgetCommand)) && !type.IsAbstract)];

    [Fact]
    public async Task Every_command_has_a_method_of_its_own_on_the_budgets_grain()
    {
        var budget = DispatchProxy.Create<IBudgetGrain, Listening>();
        foreach (var type in commands)
        {
            var command = (BudgetCommand)System.Runtime.CompilerServices.RuntimeHelpers.GetUninitializedObject(type);
            await budget.SendAsync(command);
            Assert.Same(command, ((Listening)budget).Heard);
            Assert.Equal(type, ((Listening)budget).Method!.GetParameters().Single().ParameterType);
        }
    }

    [Fact]
    public void No_member_of_a_message_is_lost_for_having_the_default_of_its_type() =>
        Assert.Empty(Conformance.KeptDefaults.LostIn(typeof(IBudgetGrain).Assembly));

    [Fact]
    public void Types_travel_under_names_that_a_renamed_class_keeps()
    {
        var services = new ServiceCollection();
        services.AddPurserSerialization();
        var types = services.BuildServiceProvider().GetRequiredService<TypeConverter>();
        Assert.Equal("purser.command.reserve", types.Format(typeof(Reserve)));
        foreach (var (name, type) in Wire.Names)
        {
            Assert.Equal(name, types.Format(type));
            Assert.Equal(type, types.Parse(name));
        }
        Assert.Empty(commands.Except(Wire.Names.Values));
        Assert.DoesNotContain("Purser.", types.Format(typeof(Engine.Page<Engine.AccountRecord>)), StringComparison.Ordinal);
        Assert.DoesNotContain("Purser.", types.Format(typeof(BudgetCommand[])), StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_that_a_grain_takes_or_answers_has_a_name()
    {
        var travelling = typeof(IBudgetGrain).Assembly.GetTypes().Where(type => type.IsInterface && type.IsAssignableTo(typeof(IGrain)))
            .SelectMany(grain => grain.GetMethods())
            .SelectMany(method => method.GetParameters().Select(parameter => parameter.ParameterType).Append(method.ReturnType))
            .SelectMany(Parts).Where(type => type.Namespace!.StartsWith("Purser", StringComparison.Ordinal)).Distinct().ToList();
        Assert.Contains(typeof(Outcome), travelling);
        Assert.All(travelling, type => Assert.True(
            Wire.Names.Values.Contains(type) || type.IsDefined(typeof(AliasAttribute), false),
                $"{type} would travel under its class's name"));

        static IEnumerable<Type> Parts(Type type) => type.IsArray ? Parts(type.GetElementType()!)
            : type.IsGenericType ? type.GetGenericArguments().SelectMany(Parts).Append(type.GetGenericTypeDefinition()) : [type];
    }

    [Fact]
    public void A_ledger_that_is_away_is_told_by_name_too()
    {
        var services = new ServiceCollection();
        services.AddPurserSerialization();
        var serializer = services.BuildServiceProvider().GetRequiredService<Serializer>();
        var bytes = serializer.SerializeToArray<Exception>(new Engine.LedgerUnavailableException("away"));
        var text = System.Text.Encoding.Latin1.GetString(bytes);
        Assert.Contains("purser.ledger-unavailable", text, StringComparison.Ordinal);
        Assert.DoesNotContain("Purser.Engine", text, StringComparison.Ordinal);
        Assert.Equal("away", Assert.IsType<Engine.LedgerUnavailableException>(serializer.Deserialize<Exception>(bytes)).Message);
    }

#pragma warning disable CA1852 // What makes proxies derives from it.
    class Listening : DispatchProxy
#pragma warning restore CA1852
    {
        public object? Heard { get; private set; }
        public MethodInfo? Method { get; private set; }

        protected override object Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            (Method, Heard) = (targetMethod, args!.Single());
            return Task.FromResult(Outcome.Done());
        }
    }
}
