// A foreign SMSC for our client to meet: the npm package `smpp` behind a small HTTP control port.
//
//   node smsc.js SMPP_PORT CONTROL_PORT       both on 127.0.0.1
//
// Account test/test. Number 000 is throttled; a number ending in 9 is receipted UNDELIV, others DELIVRD.
// GET /submits lists what came in. GET /write?from=&to=&text=&coding=&part=REF,TOTAL,INDEX brings a
// resident's text and answers with the command_status of the client's reply.
'use strict';
const http = require('node:http');
const smpp = require('smpp');

const [smppPort, controlPort] = process.argv.slice(2).map(Number);
const submits = [];
const clients = new Set();

function greet(client, bind) {
  const known = bind.system_id === 'test' && bind.password === 'test';
  client.send(bind.response({ system_id: 'peer', command_status: known ? smpp.ESME_ROK : smpp.ESME_RINVPASWD }));
  if (known) clients.add(client);
  else client.close();
}

function receipt(client, submit, id) {
  const failed = submit.destination_addr.endsWith('9');
  const when = '2611210101';
  client.deliver_sm({
    source_addr: submit.destination_addr,
    destination_addr: submit.source_addr,
    esm_class: smpp.ESM_CLASS.MC_DELIVERY_RECEIPT,
    receipted_message_id: id,
    message_state: failed ? smpp.MESSAGE_STATE.UNDELIVERABLE : smpp.MESSAGE_STATE.DELIVERED,
    short_message:
      `id:${id} sub:001 dlvrd:00${failed ? 0 : 1} submit date:${when} done date:${when} ` +
      `stat:${failed ? 'UNDELIV' : 'DELIVRD'} err:${failed ? '027' : '000'} text:`,
  });
}

function accept(client, submit) {
  if (submit.destination_addr === '000') {
    client.send(submit.response({ command_status: smpp.ESME_RTHROTTLED }));
    return;
  }
  const id = `peer-${submits.length + 1}`;
  const { message, udh } = submit.short_message;
  submits.push({
    id,
    source: submit.source_addr,
    sourceTon: submit.source_addr_ton,
    destination: submit.destination_addr,
    coding: submit.data_coding,
    esmClass: submit.esm_class,
    priority: submit.priority_flag,
    validity: submit.validity_period,
    text: message,
    header: udh ? udh.map((element) => [...element]) : null,
  });
  client.send(submit.response({ message_id: id }));
  if (submit.registered_delivery) receipt(client, submit, id);
}

function write(query, done) {
  const [client] = clients;
  if (!client) return done({ status: null });
  const part = query.get('part');
  const text = query.get('text');
  const header = part ? Buffer.from([5, 0, 3, ...part.split(',').map(Number)]) : null;
  const deliver = {
    source_addr: query.get('from'),
    source_addr_ton: 1,
    destination_addr: query.get('to'),
    data_coding: Number(query.get('coding') || 0),
    esm_class: header ? smpp.ESM_CLASS.UDH_INDICATOR : 0,
    short_message: header ? { udh: header, message: text } : text,
  };
  return client.deliver_sm(deliver, (reply) => done({ status: reply.command_status }));
}

smpp
  .createServer((client) => {
    client.on('error', () => client.close());
    client.on('close', () => clients.delete(client));
    client.on('bind_transceiver', (bind) => greet(client, bind));
    client.on('submit_sm', (submit) => accept(client, submit));
    client.on('enquire_link', (enquiry) => client.send(enquiry.response()));
    client.on('unbind', (goodbye) => {
      client.send(goodbye.response());
      client.close();
    });
  })
  .listen(smppPort, '127.0.0.1');

http
  .createServer((request, response) => {
    const url = new URL(request.url, 'http://peer');
    const say = (what) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(what));
    };
    if (url.pathname === '/write') write(url.searchParams, say);
    else say(submits);
  })
  .listen(controlPort, '127.0.0.1');
