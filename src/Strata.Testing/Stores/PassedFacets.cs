using System.Diagnostics.CodeAnalysis;

namespace Strata.Testing;

/// <summary>The facets that a wrapper may pass on: as they are those that tell what a store did, hooked those that change it. So nobody steps around the wrapper.</summary>
internal static class PassedFacets
{
    public static bool TryGet<T>(IBlobStore inner, ICallHook hook, [NotNullWhen(true)] out T? facet)
        where T : class
    {
        if (typeof(T) != typeof(IMultipartUploads)) return TryGet(inner, out facet);
        facet = inner.TryGetFacet(out IMultipartUploads? uploads) ? new HookedUploads(uploads, hook) as T : null;
        return facet is not null;
    }

    public static bool TryGet<T>(IBlobStore inner, [NotNullWhen(true)] out T? facet)
        where T : class
    {
        facet = null;
        return (typeof(T) == typeof(IStoreStatistics) || typeof(T) == typeof(IEvictionSource)) && inner.TryGetFacet(out facet);
    }
}
