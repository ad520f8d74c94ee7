namespace Strata.Backends.Tests;

/// <summary>What the tests of faults need of a real server, whichever it is; each test has a place (a bucket, a container) of its own.</summary>
public interface IRemoteServer
{
    /// <summary>Where it is, without a proxy.</summary>
    Uri Endpoint { get; }

    /// <summary>Its key, which no error may show.</summary>
    string Secret { get; }

    Task<string> CreatePlaceAsync();

    /// <summary>Removes a place with all that is in it.</summary>
    Task RemovePlaceAsync(string place);

    ValueTask<IBlobStore> OpenAsync(string place, RemoteSettings settings);

    /// <summary>Uploads that were begun, and neither completed nor aborted. Of a server that knows no uploads: none.</summary>
    Task<int> UnfinishedAsync(string place);

    /// <summary>True of the first line of a request that sends a part of a large blob.</summary>
    bool IsPart(string line);

    /// <summary>True of the first line of a request that joins the parts.</summary>
    bool IsJoin(string line);

    /// <summary>The server's own way to refuse a request.</summary>
    /// <param name="status">HTTP's, with its reason.</param>
    /// <param name="code">The server's; it knows <see cref="BusyCode"/> and <see cref="ExpiredCode"/>.</param>
    /// <param name="headers">More headers, each with its line's end.</param>
    TcpFault Refusing(string status, string code, string headers = "");

    /// <summary>What a busy server says.</summary>
    string BusyCode { get; }

    /// <summary>What a server says of credentials that have expired.</summary>
    string ExpiredCode { get; }

    /// <summary>The place as an address, for another process.</summary>
    string UrlOf(string place);

    /// <summary>The environment in which that process finds its credentials.</summary>
    IReadOnlyDictionary<string, string> Environment { get; }
}
