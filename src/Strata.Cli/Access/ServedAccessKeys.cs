using Strata.Server;

namespace Strata.Cli;

/// <summary>The access keys of a data folder, through the server that owns it.</summary>
internal sealed class ServedAccessKeys(ServedConnection connection) : AccessKeySet
{
    public override Uri Address => connection.Address;

    public override ValueTask<IReadOnlyList<AccessKeyWire>> ListAsync(CancellationToken cancellationToken) =>
        connection.SendAsync(connection.Request(HttpMethod.Get, "access"), AccessWire.Context.IReadOnlyListAccessKeyWire, WriteOutcome.NotApplied, "list", cancellationToken);

    public override async ValueTask<CreatedAccessKeyWire> CreateAsync(CreateAccessKeyWire request, CancellationToken cancellationToken)
    {
        HttpRequestMessage message = connection.Request(HttpMethod.Post, "access");
        message.Content = ServedConnection.Json(request, AccessWire.Context.CreateAccessKeyWire);
        return await connection.SendAsync(message, AccessWire.Context.CreatedAccessKeyWire, WriteOutcome.Unknown, "create", cancellationToken);
    }

    public override async ValueTask<AccessKeyRevocation> RevokeAsync(string id, CancellationToken cancellationToken)
    {
        HttpRequestMessage message = connection.Request(HttpMethod.Delete, "access/" + Uri.EscapeDataString(id));
        using HttpResponseMessage answer = await connection.SendAsync(message, WriteOutcome.Unknown, "revoke", cancellationToken);
        return (await connection.ReadAsync(answer, AccessWire.Context.RevokedAccessKeyWire, WriteOutcome.Unknown, "revoke", cancellationToken)).Status;
    }

    public override ValueTask DisposeAsync()
    {
        connection.Dispose();
        return default;
    }
}
