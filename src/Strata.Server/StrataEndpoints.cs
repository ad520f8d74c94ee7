using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Strata.Server;

/// <summary>Maps Strata into an ASP.NET Core application.</summary>
public static class StrataEndpoints
{
    /// <summary>
    /// Maps S3 at <c>/</c>, KV databases at <c>/_kv/</c>, and everything else of ours under <c>/_strata/</c>. While <see cref="StrataServerOptions.Access"/>
    /// has never had a key, every endpoint refuses a foreign Host or Origin and none asks for credentials: let the
    /// application listen on loopback alone. From then on every endpoint asks for them, but health, the page's own files
    /// and signing in.
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
        return endpoints.MapStrata(new ServedStores(stores, options ?? new(), context ?? StoreContext.Default));
    }

    internal static IEndpointConventionBuilder MapStrata(this IEndpointRouteBuilder endpoints, ServedStores served)
    {
        if (served.AccessLog is { } log) endpoints.ServiceProvider.GetService<IHostApplicationLifetime>()?.ApplicationStopped.Register(log.Complete);
        var sessions = new Sessions(served.Options.Access, served.Context.Clock);
        var guard = new AccessGuard(served, new SignatureV4(served.Options.Access, served.Context.Clock), sessions, served.Metrics);
        RouteGroupBuilder group = endpoints.MapGroup("");
        ((IEndpointConventionBuilder)group).Finally(endpoint =>
        {
            if (AccessGuard.AccessOf(endpoint.Metadata) != EndpointAccess.Signed) endpoint.RequestDelegate = served.Logged(guard.Wrap(endpoint.RequestDelegate!, endpoint.Metadata));
        });

        group.MapBlobs(served);
        group.MapAdmin(served);
        group.MapAccess(served);
        group.MapUploads(served);
        TieringEndpoints.Map(group, served);
        group.MapKeyValues(served);
        group.MapDatabases(served);
        group.MapDashboard(served);
        new SessionEndpoints(served, sessions).Map(group);
        served.Objects = served.Logged(guard.Wrap(new S3Endpoint(served).HandleAsync));
        group.Map("/{**path}", served.Objects).WithMetadata(EndpointAccess.Signed);
        foreach (Endpoint endpoint in ((IEndpointRouteBuilder)group).DataSources.SelectMany(d => d.Endpoints)) _ = AccessGuard.AccessOf(endpoint.Metadata);
        return group;
    }

    /// <summary>Maps the stores of a catalog, with the access keys of its folder besides those of the options.</summary>
    /// <inheritdoc cref="MapStrata(IEndpointRouteBuilder, IReadOnlyDictionary{string, IBlobStore}, StrataServerOptions?, StoreContext?)"/>
    public static IEndpointConventionBuilder MapStrata(
        this IEndpointRouteBuilder endpoints, StoreCatalog catalog, StrataServerOptions? options = null, StoreContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(catalog);
        ArgumentNullException.ThrowIfNull(endpoints);
        return endpoints.MapStrata(new ServedStores(catalog.Stores, (options ?? new()).WithFolder(catalog.Folder, context), context ?? StoreContext.Default) { Catalog = catalog });
    }
}
