namespace Strata.Backends.Tests;

/// <summary>What a proxy does to one request and its answer. Bytes count from the request's, or the answer's, first one.</summary>
public sealed record TcpFault
{
    /// <summary>Resets the connection when so many bytes of the request went through.</summary>
    public long? ResetRequestAfter { get; init; }

    /// <summary>Resets the connection when so many bytes of the answer went through.</summary>
    public long? ResetAnswerAfter { get; init; }

    /// <summary>Nothing goes through any more when so many bytes of the request did.</summary>
    public long? StallRequestAfter { get; init; }

    /// <summary>Nothing goes through any more when so many bytes of the answer did.</summary>
    public long? StallAnswerAfter { get; init; }

    /// <summary>The server has done what was asked, and its answer is lost with the connection.</summary>
    public bool DropAnswer { get; init; }

    /// <summary>The server has done what was asked, and the connection ends in good order without an answer, as that of a process that ends.</summary>
    public bool EndBeforeAnswer { get; init; }

    /// <summary>The proxy answers this itself, and the server sees nothing.</summary>
    public string? Answer { get; init; }

    /// <summary>The request is taken and kept back, and its caller hears nothing: <see cref="TcpProxy.Hold"/>.</summary>
    public HeldRequests? Hold { get; init; }

    /// <summary>The request goes no faster than this, on the average from its start.</summary>
    public long? RequestBytesPerSecond { get; init; }

    /// <summary>One bit of the byte with this number of the answer is turned over.</summary>
    public long? DamageAnswerAt { get; init; }

    /// <summary>Pause before each piece of the answer.</summary>
    public TimeSpan PieceDelay { get; init; }
}
