using System.Reflection;
using Xunit;

namespace Strata.Testing;

/// <summary>
/// Tells what a test assembly leaves out of the conformance suite. A backend's author asserts in one test that both
/// lists are empty.
/// </summary>
public static class SuiteCompleteness
{
    /// <summary>The names of all tests of the suite.</summary>
    public static IReadOnlyList<string> Tests { get; } = [.. SuiteTests().Select(m => m.Name).Order(StringComparer.Ordinal)];

    /// <summary>What a class that derives <see cref="BlobStoreConformance"/> does to lose a part of it; empty if nothing.</summary>
    public static IReadOnlyList<string> FaultsOf(Type conformance)
    {
        ArgumentNullException.ThrowIfNull(conformance);
        var faults = new List<string>();
        if (!conformance.IsAssignableTo(typeof(BlobStoreConformance))) faults.Add($"{conformance} does not derive {nameof(BlobStoreConformance)}.");
        if (!conformance.IsVisible || conformance.IsAbstract || conformance.ContainsGenericParameters) faults.Add($"{conformance} must be public and concrete, or no test of it is found.");
        if (conformance.GetCustomAttribute<ConformanceOfAttribute>() is null) faults.Add($"{conformance} lacks [{nameof(ConformanceOfAttribute)}].");
        MethodInfo[] methods = conformance.GetMethods(BindingFlags.Public | BindingFlags.Instance);
        foreach (MethodInfo test in SuiteTests())
        {
            MethodInfo? found = methods.SingleOrDefault(m => m.Name == test.Name && m.DeclaringType == typeof(BlobStoreConformance));
            if (methods.Any(m => m.Name == test.Name && m.DeclaringType != typeof(BlobStoreConformance))) faults.Add($"{conformance} hides or overrides {test.Name}.");
            else if (found?.GetCustomAttribute<FactAttribute>() is not { Skip: null, SkipWhen: null, SkipUnless: null }) faults.Add($"{conformance} leaves out {test.Name}.");
        }

        return faults;
    }

    /// <summary>The faults of all conformance classes of a test assembly.</summary>
    public static IReadOnlyList<string> FaultsIn(Assembly tests) => [.. ConformancesOf(tests).SelectMany(FaultsOf)];

    /// <summary>The stores of some assemblies, internal and nested ones included, for which a test assembly has no conformance class.</summary>
    public static IReadOnlyList<Type> StoresWithoutConformance(Assembly tests, params IEnumerable<Assembly> stores)
    {
        HashSet<Type?> covered = [.. ConformancesOf(tests).Select(c => c.GetCustomAttribute<ConformanceOfAttribute>()?.Store)];
        return [.. stores.SelectMany(a => a.GetTypes()).Where(t => t is { IsInterface: false, IsAbstract: false } && t.IsAssignableTo(typeof(IBlobStore)) && !covered.Contains(t))];
    }

    private static IEnumerable<Type> ConformancesOf(Assembly tests)
    {
        ArgumentNullException.ThrowIfNull(tests);
        return tests.GetTypes().Where(t => t is { IsAbstract: false } && t.IsAssignableTo(typeof(BlobStoreConformance)));
    }

    private static IEnumerable<MethodInfo> SuiteTests() =>
        typeof(BlobStoreConformance).GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly)
            .Where(m => m.GetCustomAttribute<FactAttribute>() is not null);
}
