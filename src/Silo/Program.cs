// The cluster's executable: a node; `migrate`, which brings the schema up to date and ends; `settings`, which shows what a node would have.
return args is ["migrate"] ? await Purser.Silo.Migration.RunAsync()
    : args is ["settings", ..] ? Purser.Silo.SiloHost.TellSettings(args[1..])
    : await Purser.Silo.SiloHost.RunAsync(args);
