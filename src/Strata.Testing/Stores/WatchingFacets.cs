using System.Diagnostics.CodeAnalysis;

namespace Strata.Testing;

/// <summary>The facets that a wrapper may pass on as they are: they tell what a store did and let nobody step around the wrapper.</summary>
internal static class WatchingFacets
{
    public static bool TryGet<T>(IBlobStore inner, [NotNullWhen(true)] out T? facet)
        where T : class
    {
        facet = null;
        return (typeof(T) == typeof(IStoreStatistics) || typeof(T) == typeof(IEvictionSource)) && inner.TryGetFacet(out facet);
    }
}
