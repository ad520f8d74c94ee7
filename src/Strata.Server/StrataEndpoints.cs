using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;

namespace Strata.Server;

/// <summary>Maps Strata into an ASP.NET Core application.</summary>
public static class StrataEndpoints
{
    /// <summary>
    /// Maps S3 at <c>/</c>, and everything else of ours under <c>/_strata/</c>. Every endpoint refuses a foreign Host or
    /// Origin, and none asks for credentials: let the application listen on loopback alone.
    /// </summary>
    /// <param name="endpoints">An application, or a branch of it with a path base. S3 takes all paths that nothing else is mapped at.</param>
    /// <param name="stores">The stores by name; a name is a bucket. Not disposed.</param>
    /// <param name="options">Limits; its <see cref="StrataServerOptions.Listen"/> is not used here. Null for the defaults.</param>
    /// <param name="context">Clock, loggers and meter; null for the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range, or a store's name cannot be a bucket's.</exception>
    public static IEndpointConventionBuilder MapStrata(
        this IEndpointRouteBuilder endpoints, IReadOnlyDictionary<string, IBlobStore> stores, StrataServerOptions? options = null, StoreContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(stores);
        if (stores.Keys.FirstOrDefault(n => n.Length == 0 || n == "_strata" || n.Contains('/', StringComparison.Ordinal)) is { } name)
            throw new ArgumentException($"A store named '{name}' cannot be a bucket.", nameof(stores));
        var served = new ServedStores(stores, options ?? new(), context ?? StoreContext.Default);
        served.Options.Validate();

        RouteGroupBuilder group = endpoints.MapGroup("");
        var guard = new OriginGuard(served.Options);
        ((IEndpointConventionBuilder)group).Finally(endpoint => endpoint.RequestDelegate = guard.Wrap(endpoint.RequestDelegate!));

        group.MapBlobs(served.Stores);
        group.MapAdmin(served);
        group.MapAccess(served);
        group.MapDashboard(served);
        group.Map("/{**path}", new S3Endpoint(served, new ServerMetrics(served.Context.Meter)).HandleAsync);
        return group;
    }

    /// <summary>Maps the stores of a catalog, with the access keys of its folder besides those of the options.</summary>
    /// <inheritdoc cref="MapStrata(IEndpointRouteBuilder, IReadOnlyDictionary{string, IBlobStore}, StrataServerOptions?, StoreContext?)"/>
    public static IEndpointConventionBuilder MapStrata(
        this IEndpointRouteBuilder endpoints, StoreCatalog catalog, StrataServerOptions? options = null, StoreContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        return endpoints.MapStrata(catalog.Stores, (options ?? new()).WithFolder(catalog.Folder, context), context);
    }
}
