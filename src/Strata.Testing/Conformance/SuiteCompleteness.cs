using System.Reflection;
using Xunit;

namespace Strata.Testing;

/// <summary>
/// Tells what a test assembly leaves out of the conformance suites: <see cref="BlobStoreConformance"/>,
/// <see cref="KvDatabaseConformance"/> and <see cref="StateRowsConformance"/>. A backend's author asserts in one test that the lists are empty.
/// </summary>
public static class SuiteCompleteness
{
    private static readonly Type[] Suites = [typeof(BlobStoreConformance), typeof(KvDatabaseConformance), typeof(StateRowsConformance)];

    /// <summary>The names of all tests of the suite of the blob contract.</summary>
    public static IReadOnlyList<string> Tests { get; } = NamesOf(typeof(BlobStoreConformance));

    /// <summary>The names of all tests of the suite of the KV contract.</summary>
    public static IReadOnlyList<string> KvTests { get; } = NamesOf(typeof(KvDatabaseConformance));

    /// <summary>The names of all tests of the suite of rows that commit with blobs.</summary>
    public static IReadOnlyList<string> RowTests { get; } = NamesOf(typeof(StateRowsConformance));

    /// <summary>What a class that derives a suite does to lose a part of it; empty if nothing.</summary>
    public static IReadOnlyList<string> FaultsOf(Type conformance)
    {
        ArgumentNullException.ThrowIfNull(conformance);
        var faults = new List<string>();
        Type? suite = Array.Find(Suites, conformance.IsAssignableTo);
        if (suite is null) faults.Add($"{conformance} does not derive {string.Join(" or ", Suites.Select(s => s.Name))}.");
        if (!conformance.IsVisible || conformance.IsAbstract || conformance.ContainsGenericParameters) faults.Add($"{conformance} must be public and concrete, or no test of it is found.");
        if (conformance.GetCustomAttribute<ConformanceOfAttribute>() is null) faults.Add($"{conformance} lacks [{nameof(ConformanceOfAttribute)}].");
        if (suite is null) return faults;
        MethodInfo[] methods = conformance.GetMethods(BindingFlags.Public | BindingFlags.Instance);
        foreach (MethodInfo test in TestsOf(suite))
        {
            MethodInfo? found = methods.SingleOrDefault(m => m.Name == test.Name && m.DeclaringType == suite);
            if (methods.Any(m => m.Name == test.Name && m.DeclaringType != suite)) faults.Add($"{conformance} hides or overrides {test.Name}.");
            else if (found?.GetCustomAttribute<FactAttribute>() is not { Skip: null, SkipWhen: null, SkipUnless: null }) faults.Add($"{conformance} leaves out {test.Name}.");
        }

        return faults;
    }

    /// <summary>The faults of all conformance classes of a test assembly.</summary>
    public static IReadOnlyList<string> FaultsIn(Assembly tests) => [.. ConformancesOf(tests).SelectMany(FaultsOf)];

    /// <summary>The stores of some assemblies, internal and nested ones included, for which a test assembly has no conformance class.</summary>
    public static IReadOnlyList<Type> StoresWithoutConformance(Assembly tests, params IEnumerable<Assembly> stores) => WithoutConformance(typeof(IBlobStore), typeof(BlobStoreConformance), tests, stores);

    /// <summary>The KV databases of some assemblies, internal and nested ones included, for which a test assembly has no conformance class.</summary>
    public static IReadOnlyList<Type> DatabasesWithoutConformance(Assembly tests, params IEnumerable<Assembly> databases) => WithoutConformance(typeof(IKvDatabase), typeof(KvDatabaseConformance), tests, databases);

    /// <summary>The stores of some assemblies that have rows, for which a test assembly has no class of that suite.</summary>
    public static IReadOnlyList<Type> RowsWithoutConformance(Assembly tests, params IEnumerable<Assembly> stores) => WithoutConformance(typeof(IStateRows), typeof(StateRowsConformance), tests, stores);

    private static Type[] WithoutConformance(Type contract, Type suite, Assembly tests, IEnumerable<Assembly> assemblies)
    {
        HashSet<Type?> covered = [.. ConformancesOf(tests).Where(suite.IsAssignableFrom).Select(c => c.GetCustomAttribute<ConformanceOfAttribute>()?.Store)];
        return [.. assemblies.SelectMany(a => a.GetTypes()).Where(t => t is { IsInterface: false, IsAbstract: false } && t.IsAssignableTo(contract) && !covered.Contains(t))];
    }

    private static IEnumerable<Type> ConformancesOf(Assembly tests)
    {
        ArgumentNullException.ThrowIfNull(tests);
        return tests.GetTypes().Where(t => t is { IsAbstract: false } && Array.Exists(Suites, t.IsAssignableTo));
    }

    private static string[] NamesOf(Type suite) => [.. TestsOf(suite).Select(m => m.Name).Order(StringComparer.Ordinal)];

    private static IEnumerable<MethodInfo> TestsOf(Type suite) =>
        suite.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(m => m.GetCustomAttribute<FactAttribute>() is not null);
}
