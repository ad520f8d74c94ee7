namespace Strata.Server;

/// <summary>What the access log shall say of a request beyond what HTTP shows: a feature of each request, filled on its way.</summary>
internal sealed class AccessRecord
{
    /// <summary>Who asks: a key's id, or <c>owner</c>; null for who need not say, or was refused.</summary>
    public string? Principal { get; set; }

    /// <summary>S3's name of the operation; null for the last part of the route.</summary>
    public string? Operation { get; set; }

    /// <summary>Bytes of the blob received; null for what the request declares.</summary>
    public long? Received { get; set; }

    /// <summary>Bytes of the blob sent; null for what the answer declares.</summary>
    public long? Sent { get; set; }
}
