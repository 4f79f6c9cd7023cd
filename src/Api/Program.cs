// The embedded default: everything in one process.
return await Purser.Api.Server.RunAsync(args);
