// Every suite of the HTTP facade, so that a host can not leave one out unnoticed.
using System.Reflection;

namespace Purser.Conformance.Http;

public static class HttpSuites
{
    /// <summary>The abstract suites of which an assembly of tests has no subclass for a kind of host.</summary>
    /// <param name="tests">The assembly.</param>
    /// <param name="host">The kind of host.</param>
    /// <param name="facade">What the suites see of it: the one for everything if not said.</param>
    public static IEnumerable<string> Missing(Assembly tests, Type host, Type? facade = null) =>
        from suite in typeof(HttpSuites).Assembly.GetTypes()
        where suite.IsAbstract && suite.GetConstructors(BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public)
            .Any(made => Takes(made, facade ?? typeof(HttpFacade)))
        where !tests.GetTypes().Any(type => type.IsSubclassOf(suite) && type.GetConstructors().Any(made => Takes(made, host)))
        select $"{suite.Name} is not run on {host.Name}";

    static bool Takes(ConstructorInfo constructor, Type host) => constructor.GetParameters()
        .Any(parameter => parameter.ParameterType == host);
}
