namespace Strata.Server;

/// <summary>Ends a request with an error. For faults of a request; a missing key or a failed condition is answered without one.</summary>
internal sealed class S3Exception(S3Error error) : Exception(error.Message)
{
    public S3Error Error { get; } = error;
}
