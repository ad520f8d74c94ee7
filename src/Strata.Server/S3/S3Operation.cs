namespace Strata.Server;

/// <summary>One operation of the S3 API: how a request names it, what right it takes, what does it.</summary>
/// <param name="Name">S3's name, for metrics and logs.</param>
/// <param name="Method">HTTP method.</param>
/// <param name="Scope">What the path names.</param>
/// <param name="Demand">Checks the right, before anything else is looked at; throws where it is missing.</param>
/// <param name="Handler">Does it.</param>
internal sealed record S3Operation(string Name, string Method, S3Scope Scope, Action<S3Request> Demand, Func<S3Request, Task> Handler)
{
    /// <summary>The query parameter that names the sub-resource; null for the bucket or object itself.</summary>
    public string? SubResource { get; init; }

    /// <summary>A header that the request must have; null for none. Of two operations that fit, the first one counts.</summary>
    public string? Header { get; init; }
}
